"""Image files: what an upload must be, the renditions made from it, how they are stored and served.

Where an image stands on a page is never decided here: that is in the templates of the pages.
"""
