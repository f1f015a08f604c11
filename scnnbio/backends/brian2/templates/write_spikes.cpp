{# USES_VARIABLES { _eventspace, t_in_timesteps } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% endblock %}
{% block maincode %}
    {% set _events = get_array_name(eventspace_variable) %}
    const int64_t _count = {{_events}}[_num_eventspace - 1];
    if (_count) {
        auto &_steps = scnnbio::program().output({{number}});
        _steps.events += _count;
        {% if kept %}
        const int64_t _row[2] = { {{t_in_timesteps}} + 1, _count };
        _steps.write(_row, sizeof _row);
        scnnbio::program().output({{number + 1}}).write({{_events}}, _count * sizeof(int32_t));
        {% endif %}
    }
{% endblock %}
