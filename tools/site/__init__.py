"""The documentation as a site: staged, built with Sphinx, its links checked."""
