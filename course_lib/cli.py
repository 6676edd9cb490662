"""The command `course`: what a student, an author and an instructor do.

Each subcommand imports what it needs only when it is called.
"""

import argparse
import errno
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from course_lib._errors import CourseError

PROMPT = "--ServerApp.kernel_websocket_connection_class=course_lib.server.PromptConnection"  # see there


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit code is 0 for success, 1 for a finding, 2 for a use that cannot work.

    >>> main(["lab", "--dry-run", "--root", "no/such/folder"])
    2
    """
    # jsonschema, which comes with nbformat, would build a grammar of web addresses: a second, and nobody asks for one.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        parser().print_help()
        return 2
    options, further = parser().parse_known_args(arguments)
    if further and options.run not in (lab, test):
        parser().error(f"unrecognized arguments: {shlex.join(further)}")
    try:
        return options.run(options, further)
    except CourseError as error:
        print(f"course {options.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS, errno.ENOSPC):
            raise
        what = f"expected a place that can be written, {error.filename} is none ({error.strerror})"
        print(f"course {options.command}: {what}; try a folder of your own, or make room", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand for each thing that a student, an author or an instructor does."""
    top = argparse.ArgumentParser(prog="course", description="Chain rule to the rescue: open, build, test, grade.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(run=run)
        sub.add_argument("--root", type=Path, help="the folder of the course (default: the one you are in)")
        return sub

    sub = command("lab", lab, "Open JupyterLab at the first notebook; further options go to JupyterLab.")
    sub.add_argument("--dry-run", action="store_true", help="only print the command that would be run")

    sub = command("new", new, "Copy the lessons and the exercises into a folder of your own, to work in.")
    sub.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that is not there yet, or empty")

    sub = command("build", build, "Build the notebooks from their chapters.")
    sub.add_argument("chapters", nargs="*", metavar="NN", help="numbers of chapters (default: all)")
    sub.add_argument("--check", action="store_true", help="write nothing; say which product is stale")

    sub = command("links", links, "Write the links that open the course on Binder, Colab and a JupyterHub.")
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--repo", metavar="OWNER/NAME", help="the repository on GitHub (default: as before)")
    which.add_argument("--none", action="store_true", help="take all links away")
    sub.add_argument("--branch", help="the branch or tag that is opened (default: main)")
    sub.add_argument("--hub", metavar="URL", help="the JupyterHub of the class, with nbgitpuller on it")

    command("test", test, "Run all notebooks and compare with their saved outputs; further options go to pytest.")

    sub = command("lint", lint, "Find check cells that could be guessed, or are never compared.")
    sub.add_argument("notebooks", nargs="*", type=Path, help="notebooks (default: solutions/ of the course)")

    sub = command("grade", grade, "Grade a folder of handed-in notebooks: a gradebook, and feedback for each student.")
    sub.add_argument(
        "submissions", type=Path, help="a folder of notebooks or of students' folders, or the zip of Moodle or Canvas"
    )
    sub.add_argument("-o", "--out", type=Path, required=True, help="where gradebook, feedback/ and class.html go")
    sub.add_argument("--solutions", type=Path, help="the instructor's notebooks (default: solutions/ of the course)")
    sub.add_argument("--seed", help="secret seed; the same one grades alike again (default: that of OUT, else drawn)")
    sub.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="time for the answer and the check of one exercise"
    )
    sub.add_argument("--student", action="append", dest="students", help="grade only this one anew; may be repeated")
    sub.add_argument("--exercise", action="append", dest="only", help="grade only this one anew; may be repeated")
    sub.add_argument("--due", metavar="TIME", help="when nbgrader's timestamps begin to be late, e.g. 2026-11-20 23:59")
    sub.add_argument("--late-takes", type=float, metavar="PERCENT", help="what being late costs (default: nothing)")
    sub.add_argument(
        "--for",
        action="append",
        dest="platforms",
        choices=["moodle", "canvas", "gradescope", "junit", "github"],
        help="write a file that this platform imports, too; github: print the points, exit with 1 unless all are there",
    )
    sub.add_argument("--sheet", type=Path, help="a sheet exported by Moodle or Canvas, to write filled in into OUT")
    sub.add_argument(
        "--keep-notebooks", action="store_true", help="leave what was graded, with right answers, in OUT/notebooks"
    )
    sub.add_argument("--workers", type=int, metavar="N", help="processes to grade in, at most (default: one a core)")
    sub.add_argument("--dask", metavar="ADDRESS", help="grade on the workers of this Dask scheduler instead")
    sub.add_argument("--kernels", choices=["forked", "ipykernel"], help="what runs the answers (default: forked)")
    sub.add_argument("--sandbox", choices=["bubblewrap", "none"], help="none only if you trust all that was handed in")
    return top


def root(options: argparse.Namespace) -> Path:
    """The folder of the course: --root, else the nearest one at or above the working directory, else the checkout."""
    here = Path.cwd()
    places = [options.root] if options.root else [here, *here.parents, Path(__file__).resolve().parent.parent]
    for place in places:
        if (place / "notebooks").is_dir() or (place / "chapters").is_dir():
            return place.resolve()
    raise CourseError(
        f"expected a folder with notebooks/ or chapters/ in it, found none at or above {places[0].name or places[0]}; "
        "try it from the folder of the course, give --root, or make a folder with `course new`"
    )


def lab(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Open JupyterLab in the folder of the course, at its first notebook."""
    folder = root(options)
    notebooks = sorted((folder / "notebooks").glob("*.ipynb"))
    if not notebooks:
        raise CourseError("expected notebooks in notebooks/, found none; try `course build`")
    first = f"--LabApp.default_url=/lab/tree/notebooks/{notebooks[0].name}"
    jupyter = [sys.executable, "-m", "jupyterlab", first, PROMPT]
    if options.dry_run:
        print(shlex.join(["jupyter", "lab", *jupyter[3:], *further]))
        return 0
    if not find_spec("jupyterlab"):
        raise CourseError(f"expected JupyterLab in {sys.executable}, found none; try `pip install jupyterlab` there")
    try:
        return subprocess.run([*jupyter, *further], cwd=folder, check=False).returncode
    except KeyboardInterrupt:  # Ctrl-C stops the server, which has said so itself
        return 0


def new(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Copy lessons and exercises: from the package, where a wheel put them, else from the folder of the course."""
    folder, carried = options.folder, Path(__file__).resolve().parent / "starter"
    given = carried if carried.is_dir() and not options.root else root(options)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CourseError(f"expected a new or an empty folder, {folder} is neither; nothing was written: try another")
    files = [file for kind in ("notebooks", "exercises") for file in sorted((given / kind).glob("*.ipynb"))]
    try:
        for file in files:
            to = folder / file.parent.name / file.name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)  # the bytes alone: a student may write where the package may not be written
    except OSError as error:
        raise CourseError(f"{folder} cannot be written ({error.strerror}); try a folder of your own") from error
    print(f"{len(files)} notebooks in {folder}; open them with `course lab --root {shlex.quote(str(folder))}`")
    return 0


def build(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Build the products of the chapters, or say which of them are stale."""
    from course_lib import authoring

    report = authoring.build(options.chapters or None, root=root(options), check=options.check)
    print(report)
    return 1 if report.stale else 0


def links(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Write where the course is, or the links anew from what was written."""
    from course_lib import authoring

    folder = root(options)
    given = {name: value for name in ("branch", "hub") if (value := getattr(options, name)) is not None}
    if given and not options.repo:
        raise CourseError(f"expected --repo beside --{' and --'.join(given)}; nothing was written")
    where = authoring.Links(options.repo, **given) if options.repo else None
    if not (where or options.none or (where := authoring.read_links(folder))):
        raise CourseError("no repository is known yet; try `course links --repo OWNER/NAME`")
    for path in (changed := authoring.link(folder, where)):
        print(path)
    print(f"{len(changed)} files changed; commit and push them" if changed else "All links are as they should be")
    for place, url in (where.places() if where else {}).items():
        print(f"{place:10}  {url}")
    return 0


def test(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Run solutions and lessons through nbval."""
    command = [sys.executable, "-m", "pytest", "--nbval", "solutions", "notebooks", *further]
    return subprocess.run(command, cwd=root(options), check=False).returncode


def lint(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Tell an author which check cells are worth little."""
    from course_lib.grading.lint import lint as findings_of

    paths = options.notebooks or sorted((root(options) / "solutions").glob("*.ipynb"))
    found = findings_of(paths)
    for finding in found:
        print(f"{'note: ' if finding.minor else ''}{finding}")
    failed = sum(not finding.minor for finding in found)
    print(f"{len(paths)} notebooks, {failed} to change, {len(found) - failed} to know")
    return 1 if failed else 0


def grade(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Grade a folder of handed-in notebooks."""
    from course_lib import grading

    names = ["seed", "timeout", "students", "only", "kernels", "sandbox", "late_takes", "sheet", "keep_notebooks"]
    names += ["workers", "dask"]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    given.setdefault("workers", grading.cores())
    solutions = options.solutions or root(options) / "solutions"
    platforms = options.platforms or []
    due = grading.time_of(options.due) if options.due else None
    files = [platform for platform in platforms if platform != "github"]
    try:
        report = grading.grade(options.submissions, options.out, solutions=solutions, due=due, platforms=files, **given)
    except KeyboardInterrupt:  # what is graded is kept, and it has been said how to go on
        return 130
    if not all(graded.sealed for graded in report.graded):
        print("Graded WITHOUT a sandbox: what was handed in could read and change this machine.", file=sys.stderr)
    print(f"{len(report.graded)} notebooks graded; gradebook.csv, class.html, feedback/ and notes.txt: {options.out}")
    if "github" in platforms:
        line, full = grading.points_line(report.graded)
        print(line)
        return 0 if full else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
