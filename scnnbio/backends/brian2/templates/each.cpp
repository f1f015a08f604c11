{# USES_VARIABLES { _eventspace, t_in_timesteps } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
{% if sleeper %}
void wake_{{sleeper}}(int _from, int _to, int64_t _now);
{% endif %}
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(eventspace_variable) %}
    const int _count = {{_events}}[_num_eventspace - 1];
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _post_idx = {{_events}}[_e]{% if modulo %} % {{modulo}}{% endif %};
        const size_t _vectorisation_idx = _post_idx;
        {% if sleeper %}
        wake_{{sleeper}}(_post_idx, _post_idx, {{t_in_timesteps}});
        {% endif %}
        {{vector_code|autoindent}}
    }
{% endblock %}
