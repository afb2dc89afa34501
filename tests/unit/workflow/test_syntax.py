"""The meaning of a syntax tree has one key, in all versions of Python."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from itcortex.workflow.fingerprint import SCRIPTS, fingerprint
from itcortex.workflow.syntax import canonical

#: Code and the first digits of its key, in every version of Python.
GOLDEN = {
    "f'{a}'": "4a51ac2d3f67",
    "f'{a:}'": "4a51ac2d3f67",
    "f'a{b}c' 'd' f'{e}'": "653d78c99442",
    "f'{a!r:>{width}.{digits}f}|{b:%Y-%m}'": "f67ef182ebd5",
    "f'{a=} {b = !s:^9}'": "c64f90349769",
    """f"{d['key']}{'x' if a else 'y'}" """: "910a84120638",
    "f'{{{a}}}' r'\\d' '\\u00e9\\N{BULLET}'": "8899b66333f8",
    "f'''{\na\n}'''": "4a51ac2d3f67",
    "f'{f\"{a}\"}{(lambda x: x)(1)}{a != b}{a:{b!r}}'": "19bfffd7b607",
    "'a' 'b'": "b5999633d806",
    "u'ab'": "b5999633d806",
    "b'a\\x00\\xff'": "b5999633d806",
    "'\U0001fae8'": "b5999633d806",  # a character that Unicode 15 brought
    "x = 1, 1.0, True, None, ..., 1j, 1e400, -0.0, 0x10, 1_000, 1e-7": "4fd420f533a4",
    f"x = 0x{'f' * 5000}": "0229375bba71",
    "if (n := len(a)) > 3: pass": "17e29217c06b",
    "match a:\n    case 1 | 'x' | None | True | -1.5 | 1+2j: pass\n"
    "    case [x, *_, y] if x: pass\n    case {'k': v, **rest}: pass\n"
    "    case Point(1, y=q.r) as p: pass\n    case _: pass": "0b2dc573b7df",
    "@a.b(c)\n@d\nclass A(B, metaclass=C):\n    x: int = 1\n    (y): int\n"
    "    def f(self): 'doc'": "1befa3483074",
    "async def f():\n    async with a as b, c: await d\n    async for x in y: yield x\n"
    "    else: return\n    return [i async for i in j if await k]": "9294e0e6938e",
    "lambda a, /, b=1, *c, d, e=2, **f: (a, b)": "fbbf7b73e53f",
    "def f(a: int, /, b: 'str' = '', *args: *T, c, d=(1,), **k) -> None: ...": "30f0ef715d1c",
    "a, *b = [*c, *d]; f(*a, **b, k=1); {**a, 'b': 1}; {*a}": "a9dda3d1bc06",
    "a[1:2, ::3, ..., -1]; a[b]; a[*c]": "5da936af98d3",
    "{x for x in y if x if z for w in x}; {k: v for k, v in d}; (i for i in j)": "58aee91f6184",
    "def f():\n    global a, b\n    def g():\n        nonlocal c\n        c = a": "70b706ac6e09",
    "try: a\nexcept* ValueError as e: b\nexcept* (A, B): raise C from e\nfinally: pass": "3eb64389da33",
    "try: a\nexcept ValueError: raise\nexcept: b\nelse: c\nfinally: d": "f250bae2d4f8",
    "with (open(a) as b, c): pass": "95c49c23e112",
    "while a:\n    break\nelse: pass\nfor x, y in z:\n    continue": "0bb5945cfd21",
    "import a.b as c, d\nfrom e import f as g, h": "039a213fdd72",
    "a += 1; b @= c; del d, e[0]; assert f, 'no'": "3271b42f01df",
    "a if b else c; not a; a and b or c; a < b <= c is not d not in e; ~a ** -b // c": "50f60c026030",
    "x: 'list[int]'\ny: list[int] = []": "4c626693f745",
}


def key_of(code):
    return hashlib.sha256(canonical(ast.parse(code)).encode()).hexdigest()[:12]


@pytest.mark.parametrize(("code", "key"), GOLDEN.items())
def test_the_key_of_a_construct_stays(code, key):
    assert key_of(code) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 0.0", "x = -0.0"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("x = ...", "x = 'Ellipsis'"),
        ("x = 1j", "x = 1"),
        ("f'{a}'", "'{a}'"),
        ("f'{a!r}'", "f'{a!s}'"),
        ("f'{a:3}'", "f'{a:4}'"),
        ("f'{a}{b}'", "f'{b}{a}'"),
        ("f'{a} {b}'", "f'{a}{b} '"),
        ("def f(a, /): g", "def f(a): g"),
        ("def f(*, a): g", "def f(a): g"),
        ("def f(a=1, b=2): g", "def f(a=2, b=1): g"),
        ("x: int", "(x): int"),
        ("{**a, 'b': 1}", "{'b': 1, **a}"),
        ("[x async for x in y]", "[x for x in y]"),
        ("a[1:]", "a[:1]"),
        ("match a:\n    case None: b", "match a:\n    case _: b"),
        ("try: a\nexcept A: b", "try: a\nexcept* A: b"),
        ("import a as b", "import b as a"),
        ("if a: b", "if a: pass\nelse: b"),
        ("x = ['a,', 'b']", "x = ['a', ',b']"),
        ("f(a, b)", "f(a, b=b)"),
        ("global a", "nonlocal a"),
    ],
)
def test_another_meaning_has_another_key(one, other):
    assert key_of(one) != key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = ('a'  # why\n  'b')", 'x = "ab"'),
        ("x = f'a' 'b'", "x = 'ab'"),
        ("f'{a}' f'{b}c'", "f'{a}{b}' 'c'"),
        ("f'{a:}'", "f'{a}'"),
        ("x = u'a'", "x = 'a'"),
        ("x = 0x10", "x = 16"),
        ("x = (1)", "x = 1"),
        ("def f():\n    'doc'\n    return 1", "def f(): return 1"),
        ("class A(B):\n    'doc'", "class A(B): pass"),
        ("with (a, b): c", "with a, b: c"),
    ],
)
def test_the_same_meaning_has_the_same_key(one, other):
    assert key_of(one) == key_of(other)


#: Prints keys of code and fingerprints of rules; the modules need the standard library alone.
ELSEWHERE = """
import ast, hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from itcortex.workflow.fingerprint import fingerprint
from itcortex.workflow.syntax import canonical
asked = json.load(sys.stdin)
key = lambda code: hashlib.sha256(canonical(ast.parse(code)).encode()).hexdigest()[:12]
print(json.dumps([[key(c) for c in asked["codes"]],
                  {rule: fingerprint(rule) for rule in asked["rules"]}]))
"""


@pytest.mark.process
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_makes_the_same_fingerprints(version):
    python = shutil.which(f"python{version}")
    # a version manager's stand-in runs once it is told which version is meant; others do not look
    environment = {**os.environ, "PYENV_VERSION": version}
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    runs = python and subprocess.run(
        asked, env=environment, capture_output=True, text=True, check=False
    )
    if not runs or runs.stdout.strip() != version:
        pytest.skip(f"no Python {version} here")
    rules = sorted(path.stem for path in SCRIPTS.glob("*.py"))
    answer = subprocess.run(
        [python, "-I", "-c", ELSEWHERE, str(SCRIPTS)],
        env=environment, input=json.dumps({"codes": list(GOLDEN), "rules": rules}),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    keys, fingerprints = json.loads(answer.stdout)
    assert dict(zip(GOLDEN, keys, strict=True)) == GOLDEN
    assert fingerprints == {rule: fingerprint(rule) for rule in rules}


@pytest.mark.parametrize("name", ["fingerprint", "statements", "syntax"])
def test_the_modules_need_the_standard_library_alone(name):
    path = SCRIPTS / "itcortex" / "workflow" / f"{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imports}
    ours = {name for name in names if name.startswith("itcortex.workflow.")}
    assert ours <= {"itcortex.workflow.statements", "itcortex.workflow.syntax"}
    assert {name.partition(".")[0] for name in names - ours} <= sys.stdlib_module_names
