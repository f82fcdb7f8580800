from django.contrib.staticfiles import finders

from revival.server.static_files import PARTS, join_parts, minify


def test_the_style_sheet_is_the_parts_in_order(tmp_path):
    for number, name in enumerate(PARTS):
        (tmp_path / f"{name}.css").write_text(f"/* {name} */\n\n.a {{\n  order: {number};\n}}\n")

    assert join_parts(tmp_path) == "".join(f".a {{\norder: {number};\n}}\n" for number in range(len(PARTS)))


def test_comments_and_indentation_go_and_nothing_else():
    css = '/* one\n two */\na::before { content: "→  b"; }\n\n  .b { color: red }'

    assert minify(css) == 'a::before { content: "→  b"; }\n.b { color: red }\n'


def test_static_files_find_it():
    found = finders.find("css/site.css")

    assert found
    assert "css/site.css" in [path for finder in finders.get_finders() for path, _ in finder.list([])]
