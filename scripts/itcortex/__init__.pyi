"""What `itcortex.__getattr__` hands out, for type checkers."""

from itcortex.api.encoding import Predictivity as Predictivity
from itcortex.api.encoding import align_maps as align_maps
from itcortex.api.encoding import choose_layer as choose_layer
from itcortex.api.encoding import noise_ceiling as noise_ceiling
from itcortex.api.encoding import predictivity as predictivity
from itcortex.api.estimators import PLS as PLS
from itcortex.api.estimators import GroupedKFold as GroupedKFold
from itcortex.api.estimators import RidgePerTarget as RidgePerTarget
from itcortex.api.inputs import Features as Features
from itcortex.api.networks import extract_features as extract_features
from itcortex.api.results import load_recording as load_recording
from itcortex.api.results import load_scores as load_scores
from itcortex.api.results import open_scores as open_scores
from itcortex.api.results import predict_responses as predict_responses
from itcortex.api.tradeoff import tradeoff as tradeoff
from itcortex.errors import UserError as UserError
from itcortex.harmonizer.loss import harmonizer_loss as harmonizer_loss
from itcortex.harmonizer.prepare import prepare_for_harmonizing as prepare_for_harmonizing

__all__: list[str]
__version__: str
