{# USES_VARIABLES { _values, t_in_timesteps, N } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% endblock %}
{% block maincode %}
    {% if parts %}
    static const scnnbio::Afferents _parts[] = {
        {% for names in parts %}
        { {% for name in names %}{{get_array_name(variables[name])}}, {% endfor %} },
        {% endfor %}
    };
    scnnbio::program().drive_sum({{t_in_timesteps}} % {{period}}, {{number}}, {{get_array_name(variables['_values'])}}, N, {{get_array_name(variables['_base'])}}, _parts, {{parts|length}});
    {% else %}
    scnnbio::program().drive({{t_in_timesteps}} % {{period}}, {{number}}, {{get_array_name(variables['_values'])}}, N);
    {% endif %}
{% endblock %}
