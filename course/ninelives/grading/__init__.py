"""Grade a class with nbgrader. The engine knows no course: nbgrader_config.py says what it needs, as c.Course."""
