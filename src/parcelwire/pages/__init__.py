"""What people look at: the tracking page, the embeddable widget, the operator's dashboard."""
