"""One module per picture, with SIZE, compose(canvas) before the brush strokes and finish(canvas) after them."""
