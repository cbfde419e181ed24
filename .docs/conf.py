"""Configuration of the handbook.

``python -m sphinx -W --keep-going .docs build/docs`` builds it, without a network. The
examples of the gallery are shown with the pictures that are committed beside them;
``-D plot_gallery=1`` runs them all, which takes about an hour and fetches data, and
``-D plot_gallery=1 -D sphinx_gallery_conf.filename_pattern=plot_11`` one of them.
"""

import sys
from pathlib import Path

import sklearn_ard

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "sklearn_ard"
author = "the sklearn_ard maintainers"
copyright = "the sklearn_ard maintainers, BSD-3-Clause"
version = release = sklearn_ard.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "committed_pictures",
]
exclude_patterns = ["_ext", "_templates"]
templates_path = ["_templates"]
default_role = "code"

autosummary_generate = True
autodoc_default_options = {"members": False}
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

plot_gallery = "False"
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "reset_modules": ("matplotlib", "committed_pictures.name_file"),
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(quickstart|benchmarks)",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "remove_config_comments": True,
    "default_thumb_file": str(HERE / "_static" / "no_picture.png"),
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"sklearn_ard {version}"
html_static_path = ["_static"]
html_css_files = ["handbook.css"]
html_show_sourcelink = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out what classes inherit from scikit-learn and torch."""
    owner = getattr(obj, "fget", None) or obj
    module = getattr(owner, "__module__", None) or ""
    is_foreign = module.partition(".")[0] in ("sklearn", "skorch", "torch")
    return True if is_foreign else None


def setup(app):
    app.connect("autodoc-skip-member", skip_foreign)
