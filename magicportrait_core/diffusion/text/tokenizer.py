"""Prompts other than the paper's, to tokens: by CLIP's vocabulary and the package tokenizers."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...weights.catalog import entry_of

VOCABULARY, MERGES = "vocab.json", "merges.txt"
_START, _END = "<|startoftext|>", "<|endoftext|>"
#: how CLIP splits a text before it looks words up
_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""


#: file -> key of the catalogue
_KEYS = {VOCABULARY: "sd15_vocab", MERGES: "sd15_merges"}


def tokens_of(prompt: str, folder: Path) -> tuple[int, ...]:
    """A prompt's tokens, without those round it and without padding.

    folder: with vocab.json and merges.txt of Stable Diffusion 1.5's tokenizer. Raises InputError
    where they or the package are missing.
    """
    vocabulary, merges = folder / VOCABULARY, folder / MERGES
    for path in (vocabulary, merges):
        if not path.is_file():
            raise InputError(
                f"A prompt of one's own needs {path.name}, the paper's needs none. {_how(path)}"
            )
    try:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    except ImportError as error:
        raise InputError(
            "A prompt of one's own needs the package tokenizers: pip install tokenizers."
        ) from error
    table = models.BPE.from_file(
        str(vocabulary), str(merges), unk_token=_END, end_of_word_suffix="</w>"
    )
    tokenizer = Tokenizer(table)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([_START, _END])
    return tuple(tokenizer.encode(prompt).ids)


def _how(path: Path) -> str:
    """How to get a file of the tokenizer, stable-diffusion-v1-5/tokenizer/NAME in a folder."""
    return entry_of(_KEYS[path.name]).how_to_get(path.parents[2])
