"""MagicPortrait: face reenactment. This package runs without ComfyUI.

Conventions, the same everywhere:

- Letters in shapes: t frames, h rows, w columns, n or k points.
- Pictures are RGB, channels first: (3, h, w), or (t, 3, h, w) for several. uint8 0..255 where they
  come from or go to a file, float32 0..1 inside.
- Pixel coordinates: x right, y down, (0, 0) is the centre of the top-left pixel.
- Depth of landmarks: the unit of x, smaller is nearer the camera.
- Head axes: x to the picture's right, y down, z away from the camera. The origin lies between the
  outer eye corners, and their distance is the unit (`preview.canonical`).
- Angles in options and reports are degrees: yaw above 0 turns the nose to the picture's right,
  pitch above 0 lifts it, roll above 0 leans the head clockwise in the picture. Rotations inside are
  matrices.
- Left and right of a face are the person's own; of a picture, the viewer's.
- Time is in seconds, frame rates are fractions in frames per second, frames count from 0.
"""

__version__ = "0.1.0"
