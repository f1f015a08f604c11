{# USES_VARIABLES { _spikespace, t_in_timesteps, N } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% endblock %}
{% block maincode %}
    const int64_t _step = {{t_in_timesteps}} % {{period}};
    {% if share %}
    {{_spikespace}}[N] = scnnbio::program().fire_share(_step + 1, {{share[0]}}, {{share[1]}}, {{_spikespace}});
    {% else %}
    {{_spikespace}}[N] = scnnbio::program().fire(_step + 1, {{_spikespace}});
    {% endif %}
    if (_step % 64 == 63) scnnbio::program().progress(double(_step) / {{period}});
{% endblock %}
