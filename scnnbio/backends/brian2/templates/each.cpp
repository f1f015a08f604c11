{# USES_VARIABLES { _eventspace } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(eventspace_variable) %}
    const int _count = {{_events}}[_num_eventspace - 1];
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _post_idx = {{_events}}[_e]{% if modulo %} % {{modulo}}{% endif %};
        const size_t _vectorisation_idx = _post_idx;
        {{vector_code|autoindent}}
    }
{% endblock %}
