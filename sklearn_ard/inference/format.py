"""The types that the file of a compact model consists of."""

from sklearn_ard._archive import Archive
from sklearn_ard.data import noise, transforms
from sklearn_ard.data.columns import Columns
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.levels import Levels
from sklearn_ard.data.reader import Reader
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.targets import ClassTargets, NumericTargets
from sklearn_ard.inference import images, operations
from sklearn_ard.inference.network import LayerSize, Network
from sklearn_ard.inference.posterior import Posterior
from sklearn_ard.inference.state import State

_NOISE = "log_scale2 least_scale2 most_spread"
# By the names in a file: a class and the attributes that are written. Who renames one
# of them has to keep its name in the file.
TYPES = {
    "state": (
        State,
        "reader network posterior support targets noise of_column block_names",
    ),
    "reader": (Reader, "columns categories levels_"),
    "columns": (Columns, "n_columns names owner"),
    "levels": (Levels, "known_ codes_ missing_code_ n_codes_ are_rare_"),
    "encoding": (Encoding, "column level bounds"),
    "scaler": (Scaler, "n_channels standardize n_bits mean_ scale_ constant_"),
    "numbers": (
        NumericTargets,
        "n_targets is_1d names standardize likelihood n_outputs transforms_ scaler_ "
        "start_ empty_output_ empty_noise_ empty_nll_ log_jacobian_",
    ),
    "classes": (ClassTargets, "classes n_outputs empty_output_ empty_nll_"),
    "logarithm": (transforms.Logarithm, ""),
    "yeo_johnson": (transforms.YeoJohnson, "power unit"),
    "gaussian": (noise.GaussianNoise, "log_noise_variance"),
    "heteroscedastic": (noise.HeteroscedasticNoise, _NOISE),
    "student_t": (noise.StudentTNoise, f"{_NOISE} logit_df"),
    "skew_t": (noise.SkewTNoise, f"{_NOISE} logit_left logit_right"),
    "network": (
        Network,
        "inputs encoding fill mean scale operations n_outputs n_rows layers",
    ),
    "layer_size": (LayerSize, " ".join(LayerSize._fields)),
    "posterior": (Posterior, "scaler members n_rows"),
    "affine": (operations.Affine, "scale shift"),
    "activation": (operations.Activation, "name parameter"),
    "select": (operations.Select, "indices"),
    "reshape": (operations.Reshape, "shape"),
    "dense": (operations.Dense, "weight bias"),
    "random": (operations.Random, "layer std bias_std"),
    "sum": (operations.Sum, "branches"),
    "windows": (images.Windows, "kernel stride dilation padding ceil_mode"),
    "convolution": (
        images.Convolution,
        "weight bias n_channels windows padding_mode size",
    ),
    "unrolled_convolution": (
        images.UnrolledConvolution,
        "weight bias n_channels windows padding_mode size",
    ),
    "max_pool": (images.MaxPool, "windows"),
    "average_pool": (images.AveragePool, "windows count_padding counts"),
}

MODELS = Archive(TYPES)
