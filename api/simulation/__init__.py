"""The demonstration: made-up complaints with everything that can happen to them (`simulate`)."""

from api.simulation.compare import Line, compare
from api.simulation.mix import Mix, MixError, load_mix
from api.simulation.mixed import counts, plan_mix
from api.simulation.plan import Scenario, plan
from api.simulation.run import (
    SimulationFailed,
    SimulationResult,
    default_until,
    simulate,
    simulate_mix,
    summary,
)
from api.simulation.telling import Step

__all__ = [
    "Line",
    "Mix",
    "MixError",
    "Scenario",
    "SimulationFailed",
    "SimulationResult",
    "Step",
    "compare",
    "counts",
    "default_until",
    "load_mix",
    "plan",
    "plan_mix",
    "simulate",
    "simulate_mix",
    "summary",
]
