"""Files of a run, each read by a tool that nobody here wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from dataclasses import replace
from xml.etree import ElementTree

import bibtexparser
import commands
import numpy as np
import poppler
import pytest
import strategies
from browser import launch
from hypothesis import HealthCheck, given, settings
from PIL import Image, ImageSequence

import simcore
from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    Network,
    Record,
    Spectrum,
    captions,
    export,
    presets,
    scenes,
)
from simcore.__main__ import main
from simcore.caption import Caption
from simcore.export import films, pictures, sheet, svg
from simcore.export.stage import Stage
from simcore.figures.scene import (
    HeatPanel,
    Line,
    PlanePanel,
    Run,
    Scene,
    SeriesPanel,
    Trail,
)

SMALL = (640, 360)
SHORT = replace(presets.MEDIUM.experiment, dynamics=Descent(step_size=2 / 13, steps=150))
CAPTION = Caption(
    title="A < B & C", parameters="η = 0.1", verdict="σ₁₂ moves", small="key", stem="s"
)


def made_up(after: float = 0.0, records: int = 41, middle: int = 20, **options) -> Scene:
    """A run in every kind of panel, that is `after` higher once its middle has passed."""
    step = np.arange(records)
    late = np.where(step > middle, after, 0.0)
    wave = 0.5 + 0.3 * np.sin(step) * (step / records) + late
    maps = np.stack([np.outer(np.sin(step + k), [1, -1]).reshape(-1, 1, 2) for k in (0, 1)], axis=1)
    maps = maps + late[:, None, None, None]
    columns = {"step": step, "t": 0.1 * step, "a": wave, "b": 1 - wave[::1], "low": wave - 0.1}
    lines = [Line("GD", "a", "a", colour=0, low="low", high="a"), Line("GD", "b", "b", colour=1)]
    return Scene(
        runs=[Run(name="GD", columns=columns, maps={"maps": maps}, phases=[("plateau", 0, 2.0)])],
        panels=[
            SeriesPanel(title="Lines", lines=lines, limits=(-1, 2), key="lines"),
            PlanePanel(
                title="Plane", trails=[Trail("GD", "a", "b", "GD")], limits=(-1, 2), key="plane"
            ),
            HeatPanel(title="Maps", run="GD", maps="maps", limit=3.0, key="maps"),
        ],
        caption=CAPTION,
        **options,
    )


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scenes.of(SHORT)


@pytest.fixture(scope="module")
def laid(scene) -> sheet.Sheet:
    return sheet.lay(scene, (1200, 800))


# --- Figures -------------------------------------------------------------------------------------


def words_of(root: ElementTree.Element) -> str:
    found = root.iter("{http://www.w3.org/2000/svg}text")
    return "\n".join("".join(each.itertext()) for each in found)


def test_an_svg_is_xml_of_the_size_with_its_words_as_text(laid, scene, tmp_path):
    pictures.write(laid, ".svg", tmp_path / "f.svg", {})
    root = ElementTree.parse(tmp_path / "f.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("1200", "800")
    words = words_of(root)
    caption = scene.caption
    for wanted in (caption.title, caption.verdict, "Sharpness", "Loss", "2/η = 13", "step of GD"):
        assert wanted in words
    assert "σ11" in words  # subscripts are small digits
    assert caption.parameters in words.replace("\n", " ")
    assert caption.small in words.replace("\n", "")
    assert (tmp_path / "f.svg").stat().st_size < 500_000
    ids = re.findall(r'\bid="([^"]+)"', (tmp_path / "f.svg").read_text())
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", (tmp_path / "f.svg").read_text())) <= set(ids)


def test_a_pdf_has_the_size_and_the_words(laid, scene, tmp_path):
    pictures.write(laid, ".pdf", tmp_path / "f.pdf", {})
    about = poppler.run("pdfinfo", tmp_path / "f.pdf")
    assert re.search(r"Pages:\s+1\b", about)
    width, height = map(float, re.search(r"Page size:\s+([\d.]+) x ([\d.]+) pts", about).groups())
    assert (width, height) == (1200, 800)
    words = poppler.text(tmp_path / "f.pdf")
    for wanted in (scene.caption.title, "Sharpness", "Loss", "step of GD", SHORT.key[:8]):
        assert wanted in words


def test_a_png_has_the_size_and_tells_what_it_is(tmp_path):
    export.figure(SHORT, tmp_path / "f.png", size=(500, 400), panels=["loss"], dark=True)
    with Image.open(tmp_path / "f.png") as image:
        assert image.size == (500, 400)
        told = image.text
        assert image.convert("RGB").getpixel((1, 1)) == (0x17, 0x16, 0x14)
    assert told["Key"] == SHORT.key
    assert told["Title"] == scenes.of(SHORT, ["loss"]).caption.title
    assert "η = 0.1538" in told["Parameters"]
    assert told["Software"].startswith("simcore ")
    assert told["Link"].startswith("?v=1&task=")


def test_letters_and_lines_grow_with_the_size():
    scene = replace(made_up(), panels=made_up().panels[:1])
    small, large = (sheet.lay(scene, size) for size in (SMALL, (1920, 1080)))
    assert large.scale == 3 * small.scale
    one, other = (re.sub(r'(width|height)="\d+"', "", each.picture()) for each in (small, large))
    assert one == other


def test_nothing_stands_outside_the_sheet():
    with launch() as browser, browser.new_page() as page:
        for size in ((999, 333), (400, 800)):
            laid = sheet.lay(replace(made_up(), panels=made_up().panels[:1]), size)
            page.set_content(f"<style>body{{margin:0}}</style>{laid.picture()}")
            boxes = page.evaluate(
                "[...document.querySelectorAll('text')].map((t) => t.getBoundingClientRect())"
                ".map(({left, top, right, bottom}) => [left, top, right, bottom])"
            )
            plot = laid.views[0].plot
            ends = plot.left, plot.top, plot.left + plot.width, plot.top + plot.height
            boxes.append([laid.scale * end for end in ends])
            low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
            assert (low >= 0).all()
            assert (high <= size).all()


def test_time_goes_by_decades_where_the_scene_says_so():
    scene = replace(made_up(time="log"), panels=made_up().panels[:1])
    root = ElementTree.fromstring(sheet.lay(scene, SMALL).picture())
    words = words_of(root).splitlines()
    assert "step, log" in words
    assert {"0", "1", "10"} <= set(words)


def test_what_a_picture_lacks_is_said_on_it():
    some = {"missing": {"plane": "The plane needs two pathways."}, "note": "Not every step."}
    full = replace(made_up(**some), panels=made_up().panels[2:])
    words = words_of(ElementTree.fromstring(sheet.lay(full, (1920, 1080)).picture()))
    assert "The plane needs two pathways." in words
    assert "Not every step." in words
    long = replace(made_up(records=5001), panels=made_up().panels[:1])
    words = words_of(ElementTree.fromstring(sheet.lay(long, (1920, 1080)).picture()))
    assert "every 3rd of 5,001 records is drawn" in words


@pytest.mark.parametrize(
    "experiment",
    [
        replace(SHORT, network=Network(depths=(3,)), start=Balanced(scales=(0.1,))),
        replace(SHORT, dynamics=Descent(step_size=9.0, steps=50)),  # it diverges
        replace(SHORT, dynamics=Flow(duration=20.0)),
        replace(SHORT, dynamics=Descent(step_size=0.1, steps=1), record=Record(frames=2)),
        Experiment(
            task=Spectrum(singular_values=(1.0, 0.5)),
            network=Network(depths=(2, 2, 3)),
            start=Gaussian(std=0.3, seed=1),
            dynamics=Descent(step_size=0.1, steps=30),
        ),
    ],
    ids=["one pathway", "diverging", "flow", "one step", "full weights"],
)
def test_every_kind_of_run_has_a_sheet_with_all_its_panels(experiment):
    scene = scenes.of(experiment)
    laid = sheet.lay(scene, (1280, 720), moving=True)
    words = words_of(ElementTree.fromstring(laid.picture()))
    for panel in scene.panels:
        assert "".join(svg.element("text", panel.title, font_size=13).itertext()) in words
    for why in scene.missing.values():
        assert why in words
    stage = Stage(laid)
    assert stage.at(0.5)
    assert stage.at(1.0)


# --- Films ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["linear", "log"])
def test_a_film_hides_what_comes_later_and_nothing_else(time):
    """Two runs that part in their middle look alike until then, and not after; what was reached
    stands as in the finished sheet."""
    one, other = (
        Stage(sheet.lay(made_up(after, time=time), SMALL, moving=True)) for after in (0, 0.5)
    )
    assert (one.empty == other.empty).all()
    middle = float(one.sheet.span.part(20.0))
    for part in (0.0, middle / 2, middle):
        one.at(part)
        other.at(part)
        np.testing.assert_array_equal(one.frame, other.frame)
    for stage in (one, other):
        stage.at(float(stage.sheet.span.part(22.0)))
    for view in one.sheet.views:
        cells = stage_box(view, one.sheet.scale)
        assert (one.frame[cells] != other.frame[cells]).any(), view.panel.title
    wiped = stage_box(one.sheet.views[0], one.sheet.scale)
    columns = wiped[1].start + int(
        float(one.sheet.span.part(22.0)) * (wiped[1].stop - wiped[1].start)
    )
    seen = wiped[0], slice(wiped[1].start, columns - 3)
    np.testing.assert_array_equal(one.frame[seen], one.full[seen])
    later = wiped[0], slice(columns + 3, wiped[1].stop)
    np.testing.assert_array_equal(one.frame[later], one.empty[later])


def stage_box(view, scale: float) -> tuple[slice, slice]:
    """The inside of a plot in pixels."""
    plot = view.plot
    left, top = int(plot.left * scale) + 2, int(plot.top * scale) + 2
    return (
        slice(top, int((plot.top + plot.height) * scale) - 2),
        slice(left, int((plot.left + plot.width) * scale) - 2),
    )


def test_a_gif_has_its_frames_and_its_length_and_white_stays_white(tmp_path):
    laid = sheet.lay(made_up(), SMALL, moving=True)
    films.write(laid, ".gif", tmp_path / "f.gif", seconds=2, fps=15)
    stage = Stage(laid)
    with Image.open(tmp_path / "f.gif") as film:
        assert (film.size, film.n_frames, film.info["loop"]) == (SMALL, 30, 0)
        frames = [
            (frame.info["duration"], np.array(frame.convert("RGB")))
            for frame in ImageSequence.Iterator(film)
        ]
    assert sum(duration for duration, _ in frames) == 2000
    for _, (pixels, wanted) in zip(
        range(30),
        ((f, s) for (_, f), (s, _) in zip(frames, films.frames(stage, 30), strict=True)),
        strict=True,
    ):
        assert (pixels[wanted.min(axis=2) == 255] == 255).all()
        assert np.abs(pixels.astype(int) - wanted).mean() < 1  # the palette has 255 colours
    assert (tmp_path / "f.gif").stat().st_size < 100_000


def test_an_mp4_has_a_constant_rate_and_begins_with_its_index(tmp_path):
    av = pytest.importorskip("av")
    laid = sheet.lay(replace(made_up(), panels=made_up().panels[:1]), SMALL, moving=True)
    films.write(laid, ".mp4", tmp_path / "f.mp4", seconds=1, fps=12)
    with av.open(str(tmp_path / "f.mp4")) as film:
        (stream,) = film.streams
        assert stream.average_rate == 12
        assert stream.codec_context.pix_fmt == "yuv420p"
        times = [
            (frame.pts * frame.time_base, frame.width, frame.height) for frame in film.decode()
        ]
    assert [(round(float(t) * 12, 6), *size) for t, *size in times] == [
        (k, *SMALL) for k in range(12)
    ]
    content = (tmp_path / "f.mp4").read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")


# --- Pages ---------------------------------------------------------------------------------------


def test_a_page_plays_from_a_disk_without_any_request(tmp_path):
    path = tmp_path / "run.html"
    export.page(SHORT, path)
    asked: list[str] = []
    with launch() as browser, browser.new_page(offline=True) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.goto(path.as_uri())
        page.get_by_role("button", name="Play", exact=True).click()
        caption = scenes.of(SHORT).caption
        for text in (caption.title, caption.parameters, caption.verdict, caption.small):
            assert page.get_by_text(text, exact=True).first.is_visible()
    assert asked == [path.as_uri()]


# --- Text ----------------------------------------------------------------------------------------


def made_by(snippet: str, monkeypatch) -> Experiment:
    """The experiment that a snippet would run."""
    ran: list[Experiment] = []
    with monkeypatch.context() as patch:
        patch.setattr(simcore, "simulate", lambda experiment: ran.append(experiment))
        patch.setattr(simcore.regimes, "describe", lambda run: "")
        exec(compile(snippet, "snippet", "exec"), {})
    (experiment,) = ran
    return experiment


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.name)
def test_a_snippet_makes_the_same_run(preset, monkeypatch):
    text = export.snippet(preset.experiment)
    assert made_by(text, monkeypatch).key == preset.experiment.key
    assert max(map(len, text.splitlines())) <= 88


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(experiment=strategies.experiments())
def test_a_snippet_makes_the_same_run_of_any_kind(experiment, monkeypatch):
    found = made_by(export.snippet(experiment), monkeypatch)
    assert (found, found.key) == (experiment, experiment.key)


def test_a_snippet_says_what_happened(capsys):
    exec(compile(export.snippet(SHORT), "snippet", "exec"), {})
    assert capsys.readouterr().out.strip() == simcore.regimes.describe(simcore.simulate(SHORT))


def test_a_citation_is_bibtex_that_leads_back_to_the_run():
    paper, program = bibtexparser.loads(export.citation(SHORT)).entries
    assert (paper["ENTRYTYPE"], paper["year"]) == ("inproceedings", "2026")
    assert "Kim, Hee-Sung" in paper["author"]
    assert program["version"] == simcore.__version__
    assert SHORT.key in program["note"]


# --- Refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda folder: export.page(SHORT, folder / "run.txt"), "ends in .html, got 'run.txt'"),
        (lambda folder: export.figure(SHORT, folder / "a.jpg"), "ends in .svg or .pdf or .png"),
        (lambda folder: export.film(SHORT, folder / "a"), "ends in .gif or .mp4"),
        (lambda folder: export.figure(SHORT, folder), "ends in"),
        (lambda folder: export.figure(SHORT, folder / "no" / "a.svg"), "its folder is not there"),
        (lambda folder: export.figure(SHORT, folder / "a.svg", size=(9, 9)), "from 320 to 8192"),
        (lambda folder: export.figure(SHORT, folder / "a.svg", size=(3000, 400)), "3 times"),
        (
            lambda folder: export.figure(SHORT, folder / "a.svg", size=("a", 1)),
            "width and a height",
        ),
        (lambda folder: export.figure(SHORT, folder / "a.svg", panels=["los"]), "strengths, plane"),
        (lambda folder: export.figure(SHORT, folder / "a.svg", panels=[]), "one or more of"),
        (lambda folder: export.figure(SHORT, folder / "a.svg", panels=["maps", "gfs"]), "beside"),
        (lambda folder: export.film(SHORT, folder / "a.gif", fps=0), "1 to 60 frames"),
        (lambda folder: export.film(SHORT, folder / "a.gif", seconds=1e9), "1 to 60 frames"),
        (lambda folder: export.film(SHORT, folder / "a.gif", seconds=float("nan")), "frames"),
        (lambda folder: export.film(SHORT, folder / "a.gif", size=(6000, 4000)), "at most 4096"),
        (lambda folder: export.film(SHORT, folder / "a.mp4", size=(641, 360)), "even width"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_runs(call, words, tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "simulate", None)
    with strategies.refused(words):
        call(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "name", "package"),
    [
        ("vl_convert", "a.svg", "vl-convert-python"),
        ("altair", "a.svg", "altair"),
        ("PIL", "a.gif", "pillow"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_line_that_brings_it(
    module, name, package, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    make = export.film if name.endswith("gif") else export.figure
    with strategies.refused(
        f"the package {package}", "pip install", "symmetry-at-the-edge[export]"
    ):
        make(SHORT, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_ffmpeg_a_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with strategies.refused("needs the program ffmpeg", "install ffmpeg"):
        export.film(SHORT, tmp_path / "a.mp4")
    export.page(SHORT, tmp_path / "a.html")  # a page needs nothing


# --- Commands ------------------------------------------------------------------------------------


def test_commands_write_what_the_library_writes(tmp_path, capsys):
    run, svg_file, html = (tmp_path / name for name in ("run.npz", "a.svg", "a.html"))
    simcore.simulate(SHORT).save(run)
    small = ["--size", "500x400", "--panels", "loss"]
    assert main(["figure", str(run), "--out", str(svg_file), *small]) == 0
    export.figure(SHORT, tmp_path / "b.svg", size=(500, 400), panels=["loss"])
    assert svg_file.read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert main(["page", captions.link(SHORT), "--out", str(html)]) == 0
    assert scenes.of(SHORT).caption.small.replace("&", "&amp;") in html.read_text()
    capsys.readouterr()
    assert main(["snippet", str(run)]) == 0
    assert capsys.readouterr().out == export.snippet(SHORT)
    assert main(["citation", str(run)]) == 0
    assert capsys.readouterr().out == export.citation(SHORT)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["figure", "medium", "--size", "12"], "expected a size such as 1920x1080, got '12'"),
        (["figure", "medium", "--panels", "los"], "panels must be one or more of"),
        (["figure", "nothing"], "nothing"),
        (["film", "medium", "--fps", "0"], "from 1 to 60"),
        (["film", "medium", "--seconds", "long"], "long"),
    ],
)
def test_bad_arguments_get_a_sentence(arguments, words, tmp_path, capsys):
    ending = ".gif" if arguments[0] == "film" else ".svg"
    assert main([*arguments, "--out", str(tmp_path / f"a{ending}")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("simcore: ")
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_writes_nothing(tmp_path):
    dynamics = Descent(step_size=0.001, steps=20_000_000)
    long = replace(SHORT, dynamics=dynamics, record=Record(frames=600))
    (tmp_path / "long.json").write_text(json.dumps(long.to_dict()))
    process = commands.start("page", tmp_path / "long.json", "--out", tmp_path / "a.html")
    commands.wait_until_ours(process)
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate(timeout=commands.PATIENCE)
    assert (process.returncode, said) == (130, "")
    assert len(commands.complaints(errors)) <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["long.json"]
