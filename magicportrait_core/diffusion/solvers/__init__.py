"""From one noise level to the next: DDIM, DPM++ 2M, Euler and LCM."""
