"""README's code for torch users runs as it stands there."""

import re
from pathlib import Path

import torch
from sklearn.datasets import load_digits

README = Path(__file__).parents[1] / "README.md"


def test_the_torch_example_runs(capsys):
    (code,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if "ELBOLoss" in block
    )
    X, y = load_digits(return_X_y=True)
    images = torch.tensor(X / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    batches = list(zip(images.split(64), torch.tensor(y).split(64), strict=True))
    exec(code, {"images": images, "batches": batches, "n_epochs": 4})
    assert re.fullmatch(r"\d+\.\d% pruned, \d+ nats\n", capsys.readouterr().out)
