"""One module a picture: SIZE, compose(canvas) before the strokes, finish(canvas) after them."""
