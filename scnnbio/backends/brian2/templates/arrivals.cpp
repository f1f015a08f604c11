{# USES_VARIABLES { _eventspace, _arriving, _ring, t_in_timesteps } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _arriving, _ring } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {# A spike fired in the step before this one is one step old: `held` more steps pass in a ring
       of spike lists, so that nothing is stored for each target. #}
    {% set _events = get_array_name(eventspace_variable) %}
    const int64_t _now = {{t_in_timesteps}};
    {% if period %}
    if (_now % {{period}} == 0) {
        {{_events}}[_num_eventspace - 1] = 0;
        {% if held %}
        for (int _s = 0; _s < {{held + 1}}; _s++) {{_ring}}[_s * {{size + 1}} + {{size}}] = 0;
        {% endif %}
    }
    {% endif %}
    const int32_t *_from = {{_events}};
    int _count = {{_events}}[_num_eventspace - 1];
    {% if held %}
    int32_t *_slot = {{_ring}} + (_now % {{held + 1}}) * {{size + 1}};
    for (int _i = 0; _i < _count; _i++) _slot[_i] = _from[_i];
    _slot[{{size}}] = _count;
    _from = {{_ring}} + ((_now + 1) % {{held + 1}}) * {{size + 1}};
    _count = _from[{{size}}];
    {% endif %}
    for (int _i = 0; _i < _count; _i++) {{_arriving}}[_i] = _from[_i];
    {{_arriving}}[{{size}}] = _count;
{% endblock %}
