"""Spyglass takes a session in: raw data, position, field potential, theta.

These are the lines of Spyglass's own tutorials, with their default parameters.
"""

from __future__ import annotations

from typing import NamedTuple

from .session import NAME, SAMPLING_RATE_HZ

POSITION_INTERVAL = "pos 0 valid times"
RAW_INTERVAL = "raw data valid times"
ELECTRODE_GROUP = "tetrode 0"
ELECTRODES = [0, 1]
LFP_FILTER = "LFP 0-400 Hz"
THETA_FILTER = "Theta 5-11 Hz"
THETA_RATE_HZ = 100


class Made(NamedTuple):
    """What the pipeline made, by the keys that find it again."""

    nwb_file_name: str
    position_merge_id: str
    lfp_merge_id: str


def populate() -> Made:
    """Insert the session below the base folder's ``raw``, and compute all that the tutorial shows.

    DataJoint is connected, and Spyglass's base folder is prepared.
    """
    from spyglass.data_import import insert_sessions
    from spyglass.utils.nwb_helper_fn import get_nwb_copy_filename

    insert_sessions(NAME, raise_err=True)
    nwb_file_name = get_nwb_copy_filename(NAME)
    position = _position(nwb_file_name)
    lfp = _lfp(nwb_file_name)
    _theta(nwb_file_name, lfp)
    return Made(nwb_file_name, position, lfp)


def _position(nwb_file_name: str) -> str:
    from spyglass.position import PositionOutput
    from spyglass.position.v1 import TrodesPosParams, TrodesPosSelection, TrodesPosV1

    TrodesPosParams.insert_default()
    key = {
        "nwb_file_name": nwb_file_name,
        "interval_list_name": POSITION_INTERVAL,
        "trodes_pos_params_name": "default",
    }
    TrodesPosSelection.insert1(key)
    TrodesPosV1.populate(key)
    return str((PositionOutput.TrodesPosV1 & key).fetch1("merge_id"))


def _lfp(nwb_file_name: str) -> str:
    from spyglass.common import FirFilterParameters
    from spyglass.lfp import LFPElectrodeGroup, LFPOutput
    from spyglass.lfp.v1 import LFPV1, LFPSelection

    # Spyglass's own filter of this name is for 20 and 30 kHz.
    FirFilterParameters().add_filter(
        LFP_FILTER, SAMPLING_RATE_HZ, "lowpass", [400, 425], "standard LFP filter for 2 kHz data"
    )
    LFPElectrodeGroup.create_lfp_electrode_group(
        nwb_file_name=nwb_file_name, group_name=ELECTRODE_GROUP, electrode_list=ELECTRODES
    )
    key = {
        "nwb_file_name": nwb_file_name,
        "lfp_electrode_group_name": ELECTRODE_GROUP,
        "target_interval_list_name": RAW_INTERVAL,
        "filter_name": LFP_FILTER,
        "filter_sampling_rate": SAMPLING_RATE_HZ,
    }
    LFPSelection.insert1(key)
    LFPV1().populate(key)
    return str((LFPOutput.LFPV1 & key).fetch1("merge_id"))


def _theta(nwb_file_name: str, lfp_merge_id: str) -> None:
    from spyglass.common import FirFilterParameters
    from spyglass.lfp import LFPOutput
    from spyglass.lfp.analysis.v1 import LFPBandSelection, LFPBandV1
    from spyglass.lfp.v1 import LFPV1

    rate_hz = (LFPV1 & (LFPOutput.LFPV1 & {"merge_id": lfp_merge_id})).fetch1("lfp_sampling_rate")
    FirFilterParameters().add_filter(
        THETA_FILTER, rate_hz, "bandpass", [4, 5, 11, 12], "theta filter for 1 kHz data"
    )
    LFPBandSelection().set_lfp_band_electrodes(
        nwb_file_name=nwb_file_name,
        lfp_merge_id=lfp_merge_id,
        electrode_list=ELECTRODES,
        filter_name=THETA_FILTER,
        interval_list_name=RAW_INTERVAL,
        reference_electrode_list=[-1],
        lfp_band_sampling_rate=THETA_RATE_HZ,
    )
    LFPBandV1().populate({"nwb_file_name": nwb_file_name})
