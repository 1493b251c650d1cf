"""Make the README's pictures anew, with the tool: python .ci/readme_pictures.py"""

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

from magicportrait_core.demo import demo_portrait_path, run_demo
from magicportrait_core.pipeline import still
from magicportrait_core.preview import FaceSliders

FOLDER = Path(__file__).resolve().parents[1] / "web" / "images"
WIDTH = 1412  #: px of both pictures
HEAD = (112, 2, 348, 238)  #: left, top, right, bottom of the head in the shipped portrait, px
EDITS = (
    {},
    {"yaw": 20},
    {"blink": 1},
    {"smile": -0.8},
    {"mouth": 0.8},
    {"brows": 1},
)
GAP, LABEL = 6, 26


def save(picture: Image.Image, name: str) -> None:
    size = (WIDTH, round(picture.height * WIDTH / picture.width))
    picture = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    picture.save(FOLDER / name, quality=85, optimize=True, progressive=True)


def stills(work: Path) -> Image.Image:
    """The portrait's head under each of EDITS, side by side, labelled by the option."""
    side = HEAD[2] - HEAD[0]
    strip = Image.new("RGB", (len(EDITS) * (side + GAP) - GAP, LABEL + side), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(17)
    for column, sliders in enumerate(EDITS):
        path = demo_portrait_path()
        if sliders:
            path = still(path, work / "still.png", FaceSliders(**sliders)).output
        left = column * (side + GAP)
        strip.paste(Image.open(path).crop(HEAD), (left, LABEL))
        label = " ".join(f"--{name} {value}" for name, value in sliders.items()) or "as it is"
        draw.text((left + side / 2, LABEL / 2), label, "black", font, anchor="mm")
    return strip


def main() -> None:
    with TemporaryDirectory() as folder:
        work = Path(folder)
        run_demo(work)
        save(Image.open(work / "contact_sheet.png"), "demo.jpg")
        save(stills(work), "still.jpg")


if __name__ == "__main__":
    main()
