{# USES_VARIABLES { _eventspace } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {# Driven by the target's spikes: walk the receptive field of each backwards. #}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(eventspace_variable) %}
    const int _count = {{_events}}[_num_eventspace - 1];
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _post_idx = {{_events}}[_e];
        const int _o = _post_idx % {{O}}, _c0 = _o / {{OG}} * {{CG}};
        const int _x = (_post_idx / {{O}}) % {{OW}} * {{SX}} - {{PX}};
        const int _y = _post_idx / {{O * OW}} * {{SY}} - {{PY}};
        const int _k0 = _x < 0 ? -_x : 0, _k1 = _x + {{KW}} > {{W}} ? {{W}} - _x : {{KW}};
        for (int _ky = 0; _ky < {{KH}}; _ky++) {
            const int _iy = _y + _ky;
            if (_iy < 0 || _iy >= {{H}}) continue;
            for (int _kx = _k0; _kx < _k1; _kx++)
                for (int _c = _c0; _c < _c0 + {{CG}}; _c++) {
                    const int32_t _pre_idx = (_iy * {{W}} + _x + _kx) * {{C}} + _c;
                    const int32_t _tap_idx = {{FIRST}} + _o % {{OG}} +
                        ((_c * {{KH}} + _ky) * {{KW}} + ({{KW - 1}} - _kx)) * {{OG}};
                    const int32_t _vectorisation_idx = _tap_idx;
                    {{vector_code|autoindent}}
                }
        }
    }
{% endblock %}
