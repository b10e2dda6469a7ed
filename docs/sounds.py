"""The desk's sounds, made by this page alone: `python3 docs/sounds.py` writes `bank/web/static/sounds/*.wav`.

Told apart without looking: done rises, done already is one note twice, refused falls and is long, pending ticks.
"""

import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "bank/web/static/sounds"
RATE = 22_050
# Each note: its pitch in hertz (0: silence), its length in seconds, how loud, how much of its overtones.
SOUNDS = {
    "done": ((784.0, 0.09, 0.5, 0.15), (1175.0, 0.17, 0.5, 0.15)),
    "nothing": ((587.0, 0.08, 0.45, 0.1), (0.0, 0.06, 0.0, 0.0), (587.0, 0.08, 0.45, 0.1)),
    "refused": ((311.0, 0.2, 0.6, 0.5), (0.0, 0.05, 0.0, 0.0), (208.0, 0.34, 0.6, 0.5)),
    "pending": ((1568.0, 0.035, 0.25, 0.0),),
}


def note(pitch: float, length: float, loud: float, overtones: float) -> Iterator[int]:
    """One note, in and out without a click."""
    count = round(RATE * length)
    for index in range(count):
        at = index / RATE
        shape = min(1.0, index / (0.004 * RATE), (count - index) / (0.03 * RATE))
        sign = math.sin(math.tau * pitch * at) + overtones * math.sin(2 * math.tau * pitch * at)
        yield round(32_767 * loud * shape * sign / (1 + overtones))


def main() -> None:
    """Write every sound."""
    FOLDER.mkdir(exist_ok=True)
    for name, notes in SOUNDS.items():
        samples = [sample for each in notes for sample in note(*each)]
        with wave.open(str(FOLDER / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


if __name__ == "__main__":
    main()
