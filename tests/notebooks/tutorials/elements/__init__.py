"""Two small pipelines in the style of the DataJoint Elements: whoever uses them activates them."""
