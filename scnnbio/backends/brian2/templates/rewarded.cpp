{# USES_VARIABLES { w, eligible, rate, _eventspace, _values, _reward, t_in_timesteps } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _reward } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% set _events = get_array_name(eventspace_variable) %}
    {% set _real = c_data_type(variables['w'].dtype) %}
    {% if trial %}
    if ({{t_in_timesteps}} % {{trial}} == 0) {
        {{_reward}}[0] = 0;
        for (int _k = 0; _k < {{size}}; _k++) {{eligible}}[_k] = 0;
    }
    {% endif %}
    {{_reward}}[0] *= {{_real}}({{keep}});
    const int _count = {{_events}}[_num_eventspace - 1];
    for (int _e = 0; _e < _count; _e++)
        {{_reward}}[0] += {{_values}}[{{_events}}[_e] % {{channels}}];
    const {{_real}} _low = {{low}}, _high = {{high}}, _kept = {{keep_eligible}};
    const {{_real}} _factor = {{rate}} * {{_reward}}[0];
    for (int _k = 0; _k < {{size}}; _k++) {
        {# Without the cut, it ends in denormal numbers, which are slow. #}
        {{_real}} _value = {{eligible}}[_k];
        _value = std::fabs(_value) > {{least}} ? _value * _kept : 0;
        const {{_real}} _w = {{w}}[_k] + _factor * _value;
        {{w}}[_k] = {% if masked %}{{present}}[_k] * {% endif %}(_w < _low ? _low : _w > _high ? _high : _w);
        {{eligible}}[_k] = {% if forgets %}0{% else %}_value{% endif %};
    }
{% endblock %}
