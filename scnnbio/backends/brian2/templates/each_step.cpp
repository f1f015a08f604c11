{# USES_VARIABLES { w, rate, _moved, _pre_of, _post_of, _tap_of, t_in_timesteps } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _moved } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {% if eligible and trial %}
    if ({{t_in_timesteps}} % {{trial}} == 0)
        for (int _k = 0; _k < {{connections}}; _k++) {{get_array_name(variables['eligible'])}}[_k] = 0;
    {% endif %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int _edge_idx = 0; _edge_idx < {{connections}}; _edge_idx++) {
        const int32_t _pre_idx = {{_pre_of}}[_edge_idx], _post_idx = {{_post_of}}[_edge_idx];
        const int32_t _tap_idx = {{_tap_of}}[_edge_idx];
        const size_t _vectorisation_idx = _edge_idx;
        {{vector_code|autoindent}}
        {{_moved}}[_tap_idx] += _change;
    }
    {% if applies %}
    {% set _real = c_data_type(variables['w'].dtype) %}
    const {{_real}} _low = {{low}}, _high = {{high}};
    for (int _k = 0; _k < {{size}}; _k++) {
        const {{_real}} _w = {{w}}[_k] + {{rate}} * {{_moved}}[_k];
        {{w}}[_k] = _w < _low ? _low : _w > _high ? _high : _w;
        {{_moved}}[_k] = 0;
    }
    {% endif %}
{% endblock %}
