"""Plans of stages, and the back ends that run them."""
