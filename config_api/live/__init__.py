"""What the sidecar knows of the running market: bars and signals as they are heard, and who watches them."""
