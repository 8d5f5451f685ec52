"""The operator's dashboard: parcels, trouble, carriers, webhooks, keys, brand.

registry        which pages there are: one module of ``screens`` each, found by itself
visit           one request of somebody who has logged in, as a page's handler sees it
sessions        logging in, staying so, logging out
login_throttle  how often logging in may be tried
cookies         the tokens that a browser keeps
importing       CSV files that are worked through in the background
"""
