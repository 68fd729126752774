"""A finished run as pages and pictures for people; every name comes from a stranger's file, so templates escape all of them.

page.py          one HTML file: contents.py (what it holds), charts.py, packing.py (tables in few letters), browser.py (igv.js)
pair_picture.py  one gene and miRNA as SVG
templates.py     the Jinja2 templates of templates/
assets/          JavaScript of others with licences and checksums, made by tools/report_assets.py
"""
