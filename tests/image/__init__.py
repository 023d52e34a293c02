"""What builds the container's image by the steps of its Dockerfile where there is no container engine."""
