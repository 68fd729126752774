"""A finished run as pages and pictures for people; every name comes from a stranger's file, so templates escape all of them.

pair_picture.py  one gene and miRNA as SVG
templates.py     the Jinja2 templates of templates/
"""
