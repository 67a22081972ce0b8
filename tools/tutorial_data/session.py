"""A small recording as an NWB file: a rat on a figure of eight, and its theta rhythm.

Half a minute, one tetrode in CA1 at 2 kHz, two diodes on the head at 30 Hz. What the tutorial shows
was put in here: the path, and a theta rhythm of 8 Hz that grows with the running speed.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np
from hdmf.backends.hdf5.h5_utils import H5DataIO
from ndx_franklab_novela import (
    DataAcqDevice,
    NwbElectrodeGroup,
    Probe,
    Shank,
    ShanksElectrode,
)
from pynwb import NWBHDF5IO, NWBFile
from pynwb.behavior import Position, SpatialSeries
from pynwb.ecephys import ElectricalSeries
from pynwb.file import Subject

if TYPE_CHECKING:
    from pathlib import Path

NAME = "tutorial20260102.nwb"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DURATION_S = 30.0
SEED = 20260102

SAMPLING_RATE_HZ = 2000.0
CHANNELS = 4
VOLTS_PER_COUNT = 0.195e-6  # of a common amplifier
THETA_HZ = 8.0
THETA_UV = (60.0, 220.0)  # when the rat stands, and when it runs at 50 cm/s

FRAME_RATE_HZ = 30.0
METERS_PER_PIXEL = 0.002
LAP_S = 10.0
HALF_SIZE_CM = (45.0, 30.0)
CENTRE_CM = (60.0, 45.0)
DIODE_DISTANCE_CM = 4.0


def write_session(path: Path) -> None:
    """Write the recording; it is the same each time, but for object ids (see `steady`)."""
    nwb = NWBFile(
        session_description="A rat runs along a figure of eight.",
        identifier="sidecar-magics-tutorial",
        session_id=path.stem,
        session_start_time=START,
        file_create_date=[START],
        experimenter=["Doe, Jane"],
        lab="Frank Lab",
        institution="UCSF",
        experiment_description="Made by a program, for a tutorial.",
        subject=Subject(
            subject_id="rat1",
            species="Rattus norvegicus",
            sex="M",
            age="P90D",
            genotype="wild type",
            description="A rat that was never born.",
        ),
    )
    _add_ephys(nwb)
    _add_position(nwb)
    nwb.add_epoch(_seconds(0), _seconds(DURATION_S), tags=["01"])
    with NWBHDF5IO(path, "w") as file:
        file.write(nwb)


def path_cm(times_s: np.ndarray) -> np.ndarray:
    """Return where the rat is at these seconds of the recording, as rows of x and y in cm."""
    # It slows down where the two loops meet the sides.
    angle = 2 * np.pi * times_s / LAP_S + 0.3 * np.sin(4 * np.pi * times_s / LAP_S)
    shape = np.stack([np.sin(angle), np.sin(2 * angle)], axis=1)
    return np.asarray(np.asarray(CENTRE_CM) + np.asarray(HALF_SIZE_CM) * shape)


def theta_phase(times_s: np.ndarray) -> np.ndarray:
    """Return the phase of theta at these seconds of the recording, in radians; 0 is a peak."""
    return np.asarray(2 * np.pi * THETA_HZ * times_s)


def voltage_uv(times_s: np.ndarray) -> np.ndarray:
    """Return the field potential in microvolts, a column for each channel: theta and noise."""
    random = np.random.default_rng(SEED)
    velocity = np.gradient(path_cm(times_s), times_s, axis=0)
    running = np.clip(np.linalg.norm(velocity, axis=1) / 50, 0, 1)
    standing_uv, running_uv = THETA_UV
    theta = (standing_uv + (running_uv - standing_uv) * running) * np.cos(theta_phase(times_s))
    gains = np.linspace(1.0, 0.7, CHANNELS)
    noisy: np.ndarray = theta[:, None] * gains + random.normal(
        scale=20, size=(len(times_s), CHANNELS)
    )
    return noisy


def _add_ephys(nwb: NWBFile) -> None:
    nwb.add_device(
        DataAcqDevice(name="acquisition", system="none", amplifier="none", adc_circuit="none")
    )
    shank = Shank(name="0")
    for channel in range(CHANNELS):
        shank.add_shanks_electrode(
            ShanksElectrode(name=str(channel), rel_x=0.0, rel_y=12.5 * channel, rel_z=0.0)
        )
    probe = Probe(
        name="probe 0",
        id=0,
        probe_type="tetrode_12.5",
        units="um",
        probe_description="tetrode",
        contact_side_numbering=False,
        contact_size=12.5,
        shanks=[shank],
    )
    nwb.add_device(probe)
    group = NwbElectrodeGroup(
        name="0",
        description="tetrode 0",
        location="CA1",
        device=probe,
        targeted_location="CA1",
        targeted_x=2.4,
        targeted_y=-3.8,
        targeted_z=1.5,
        units="mm",
    )
    nwb.add_electrode_group(group)
    for column in ("probe_shank", "probe_electrode", "bad_channel", "ref_elect_id"):
        nwb.add_electrode_column(column, column.replace("_", " "))
    for channel in range(CHANNELS):
        nwb.add_electrode(
            x=2.4,
            y=-3.8,
            z=1.5,
            imp=1.0,
            location="CA1",
            filtering="none",
            group=group,
            probe_shank=0,
            probe_electrode=channel,
            bad_channel=False,
            ref_elect_id=-1,
        )
    times_s = np.arange(int(DURATION_S * SAMPLING_RATE_HZ)) / SAMPLING_RATE_HZ
    counts = np.round(voltage_uv(times_s) * 1e-6 / VOLTS_PER_COUNT).astype("int16")
    nwb.add_acquisition(
        ElectricalSeries(
            name="e-series",
            data=_packed(counts),
            timestamps=_packed(_seconds(times_s)),
            electrodes=nwb.create_electrode_table_region(list(range(CHANNELS)), "all channels"),
            conversion=VOLTS_PER_COUNT,
        )
    )


def _add_position(nwb: NWBFile) -> None:
    times_s = np.arange(int(DURATION_S * FRAME_RATE_HZ)) / FRAME_RATE_HZ
    middle = path_cm(times_s)
    heading = np.gradient(middle, times_s, axis=0)
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    position = Position(name="position")
    # The names are those that Spyglass looks for; the first diode is in front.
    for number, sign in enumerate((1, -1)):
        diode_cm = middle + sign * heading * DIODE_DISTANCE_CM / 2
        suffix = "" if number == 0 else "2"
        position.add_spatial_series(
            SpatialSeries(
                name=f"led_{number}_series_{number}",
                description=f"xloc{suffix}, yloc{suffix}",
                data=_packed(diode_cm / 100 / METERS_PER_PIXEL),
                timestamps=_packed(_seconds(times_s)),
                reference_frame="upper left corner of the video",
                unit="m",
                conversion=METERS_PER_PIXEL,
            )
        )
    nwb.create_processing_module("behavior", "position of the head").add(position)


def _seconds(since_start: np.ndarray | float) -> np.ndarray | float:
    """Return times of the recording as what Spyglass wants: seconds since 1970."""
    return START.timestamp() + since_start


def _packed(data: object) -> H5DataIO:
    return H5DataIO(data, compression="gzip", compression_opts=9, shuffle=True)
