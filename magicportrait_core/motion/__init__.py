"""From clips and portraits to motion, and from motion to maps and films of them."""
