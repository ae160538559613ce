"""A real Kubernetes in a lab: where its programs come from, and what they are started with. Pure, but for `fetch` and `build`."""
