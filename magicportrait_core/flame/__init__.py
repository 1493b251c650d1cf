"""Head models: parameters to a posed mesh, and motion from one head to another."""
