"""The slower kernels, with all that Jupyter has, come to the verdicts of the quick ones: those of the table."""

from attacks.cases import CASES
from attacks.running import grade_the_attacks, verdict


def test_ipykernels_give_every_attack_what_the_table_says(tmp_path):
    came = grade_the_attacks(tmp_path, "ipykernel", 8)
    assert {n: verdict(came[n]) for n in CASES} == {n: (c.verdict, c.points) for n, c in CASES.items()}
    assert {n: graded.results[1].points for n, graded in came.items() if graded.results[1].points != 1} == {}
