"""The pages by file name, in the order of the bar; the first is the front page."""

PAGES = {
    "simulator": "Simulator",
    "tour": "Tour",
    "why_flat": "Why flat?",
    "step_size": "Step size",
    "phase_diagram": "Phase diagram",
    "matrices": "Matrices",
    "your_data": "Your data",
    "paper_figures": "Paper figures",
    "about": "About",
}

BEHIND = ("matrices", "paper_figures", "your_data", "about")  # the word "More" in the bar

FRONT = next(iter(PAGES))
