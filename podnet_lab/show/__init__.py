"""What a person sees: text, HTML, SVG. Knows the model; the model knows no view."""
