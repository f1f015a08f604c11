{# USES_VARIABLES { _values, t_in_timesteps, N } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% endblock %}
{% block maincode %}
    scnnbio::program().drive({{t_in_timesteps}} % {{period}}, {{number}}, {{get_array_name(variables['_values'])}}, N);
{% endblock %}
