{# USES_VARIABLES { _eventspace, _listed } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _eventspace } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% set _events = get_array_name(eventspace_variable) %}
    const int _count = {{_listed}}[_num_listed - 1];
    for (int _e = 0; _e < _count; _e++) {{_events}}[_e] = {{_listed}}[_e];
    {{_events}}[_num_eventspace - 1] = _count;
{% endblock %}
{% block after_code %}
{% set _events = get_array_name(eventspace_variable) %}
{{_events}}[_num_eventspace - 1] = 0;
{% endblock %}
