{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% macro _of(part, name) %}{{get_array_name(variables[part ~ '_' ~ name])}}{% endmacro %}
{% block maincode %}
    {% for name in traces %}
    {
        auto &_scale = {{_of('scale', name)}}[0];
        _scale *= {{_of('keep', name)}}[0];
        if (_scale < {{least}}) {
            for (int32_t _idx = 0; _idx < N; _idx++) {{_of('trace', name)}}[_idx] *= _scale;
            _scale = 1;
        }
        {{_of('one', name)}}[0] = 1/_scale;
    }
    {% endfor %}
{% endblock %}
