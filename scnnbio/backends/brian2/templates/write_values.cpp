{# USES_VARIABLES { _values, t_in_timesteps } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% endblock %}
{% block maincode %}
    {# At the beginning of every n-th trial; the program receives n when it starts. #}
    const int64_t _every = scnnbio::program().orders.snapshot_every * {{period}};
    if (_every && {{t_in_timesteps}} % _every == 0)
        scnnbio::program().output({{number}}).write({{_values}}, _num_values * sizeof({{_values}}[0]));
{% endblock %}
