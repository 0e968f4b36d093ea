"""Where scanner pulses come in: one module for each kind of trigger, all behind one interface.

Every source stamps a pulse as near to its arrival as the system lets it, and says how late a stamp
may be (`Stamps`). Keys are PsychoPy's: they come in through `scc_task.present`.
"""

from hardware.triggers.listening import PulseListener, Stamp, Stamps, checked
from hardware.triggers.opening import TriggerAddress, open_trigger

__all__ = ["PulseListener", "Stamp", "Stamps", "TriggerAddress", "checked", "open_trigger"]
