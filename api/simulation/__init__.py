"""The demonstration: made-up complaints with everything that can happen to them (`simulate`)."""

from api.simulation.plan import Scenario, plan
from api.simulation.run import SimulationFailed, SimulationResult, default_until, simulate, summary
from api.simulation.telling import Step

__all__ = [
    "Scenario",
    "SimulationFailed",
    "SimulationResult",
    "Step",
    "default_until",
    "plan",
    "simulate",
    "summary",
]
