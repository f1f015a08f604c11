"""Citations that several observations share."""

RINGACH_2002 = (
    "D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), Orientation selectivity in macaque V1,"
    " J. Neurosci. 22, 5639-5651, doi:10.1523/JNEUROSCI.22-13-05639.2002"
)
