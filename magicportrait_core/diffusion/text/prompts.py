"""What the networks are told in words."""

from __future__ import annotations

import os

from torch import Tensor

from ...errors import InputError
from ...weights.catalog import entry_of
from ..checkpoints.loading import build_module
from ..checkpoints.model_files import ModelFiles
from ..checkpoints.model_folders import ModelFolders
from ..checkpoints.parts import file_name, read_tensors, read_text
from ..text_encoder import PROMPT, encode_prompt
from .tokenizer import tokens_of


def embed_prompt(
    models: str | os.PathLike | ModelFolders, files: ModelFiles, prompt: str = PROMPT
) -> Tensor:
    """(1, 77, c) float32 of a prompt.

    The paper's own needs no text encoder where its embedding is stored. Any other needs one, the
    tokenizer's files and the package tokenizers; the networks were trained on the paper's alone.
    Raises InputError that says what is missing.
    """
    if prompt == PROMPT and files.text is not None:
        return read_text(files.text)
    folders = ModelFolders.of(models)
    path = folders.text_encoder()
    if path is None:
        raise InputError(entry_of("sd15_text_encoder").how_to_get(folders.own[0]))
    ids = tokens_of(prompt, folders.tokenizer())
    state = read_tensors("text_encoder", path)
    return encode_prompt(build_module("text_encoder", state, file_name(path)).float(), ids)
