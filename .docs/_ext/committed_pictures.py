"""Examples of the gallery: their committed pictures, and how they are run."""

import builtins
import shutil
from pathlib import Path

MARK = ".. GENERATED FROM PYTHON SOURCE LINES"


def _picture(app, name):
    return Path(app.srcdir).parent / "examples" / f"{name}.png"


def _runs_examples(app):
    return str(app.config.plot_gallery) in ("1", "True", "true")


def copy_pictures(app):
    """Put committed pictures where sphinx-gallery looks for its own."""
    if _runs_examples(app):
        return
    folder = Path(app.srcdir) / "auto_examples" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for example in _picture(app, "*").parent.glob("plot_*.py"):
        picture = _picture(app, example.stem)
        if picture.exists():
            shutil.copyfile(picture, folder / f"sphx_glr_{example.stem}_001.png")


def show_picture(app, docname, source):
    """Show the committed picture of an example above its first line of code."""
    folder, _, name = docname.rpartition("/")
    is_shown = folder == "auto_examples" and _picture(app, name).exists()
    if _runs_examples(app) or not is_shown:
        return
    image = f".. image:: images/sphx_glr_{name}_001.png\n   :alt: What it draws\n\n"
    source[0] = source[0].replace(MARK, image + MARK, 1)


def name_file(gallery_conf, path):
    """Give examples that are run their `__file__`, which sphinx-gallery does not."""
    folder = Path(gallery_conf["src_dir"]).parent / "examples"
    builtins.__file__ = str(folder / Path(path).name)


def setup(app):
    app.connect("builder-inited", copy_pictures, priority=100)  # before the gallery
    app.connect("source-read", show_picture)
    return {"parallel_read_safe": True}
