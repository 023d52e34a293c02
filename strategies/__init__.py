"""The strategies: parameters, the indicators they need, and when their setups hold."""
