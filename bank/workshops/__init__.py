"""Steps at work: what each asks for, what was done, and the proof."""
